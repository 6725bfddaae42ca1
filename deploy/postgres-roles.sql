-- The roles on PostgreSQL: what the chat, the desk, the web server and the executor may do.
--
-- Run it as the owner of the tables, in the copilot's own database and in the plant database, after
-- the tables have been made (`copilot` brings its own ones up to date at every start, and needs the
-- owner for that only when there is something new). It may be run again at any time; each run takes
-- away every earlier right of these roles on the tables of the schema in front of the search path.
--
--     psql -d copilot -f postgres-roles.sql
--     psql -d plant   -f postgres-roles.sql
--
-- The roles have no password yet: `\password copilot_chat` and so on, or whatever pg_hba.conf asks
-- for. `copilot chat` and `copilot ask` run as copilot_chat, `copilot approvals`, `copilot user` and
-- `copilot token` as copilot_desk, `copilot serve` as copilot_web, which is chat and desk in one
-- (docs/adr/0009-the-web-process.md), `copilot executor` as copilot_executor. None of them may own a
-- table: owners can lift every restriction. `copilot backup` and `copilot restore` run as the owner.
-- What PUBLIC may do they may do too: before PostgreSQL 15 that is to make tables, unless you
-- REVOKE CREATE ON SCHEMA public FROM PUBLIC.

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'copilot_chat') THEN
        CREATE ROLE copilot_chat LOGIN NOINHERIT;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'copilot_desk') THEN
        CREATE ROLE copilot_desk LOGIN NOINHERIT;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'copilot_web') THEN
        CREATE ROLE copilot_web LOGIN NOINHERIT;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'copilot_executor') THEN
        CREATE ROLE copilot_executor LOGIN NOINHERIT;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;  -- run in two databases at once
END
$$;

DO $$
DECLARE
    here text := quote_ident(current_schema());
    ours text := 'copilot_chat, copilot_desk, copilot_web, copilot_executor';
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA %s TO %s', here, ours);
    EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA %s FROM %s', here, ours);
    EXECUTE format('REVOKE ALL ON ALL SEQUENCES IN SCHEMA %s FROM %s', here, ours);
    EXECUTE format('REVOKE CREATE ON SCHEMA %s FROM %s', here, ours);
    -- All may read everything; what they may change follows.
    EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA %s TO %s', here, ours);
END
$$;

-- The copilot's own database.
DO $$
BEGIN
    IF to_regclass('audit_head') IS NULL THEN
        RETURN;
    END IF;
    -- Chat: conversations and proposals, the breaker. It makes no approval and no account.
    GRANT INSERT, UPDATE, DELETE ON conversations, turns TO copilot_chat, copilot_web;
    GRANT INSERT, UPDATE ON proposals, switches TO copilot_chat;
    GRANT INSERT ON refusals TO copilot_chat;
    -- Desk: what people decide, who they are, and proposals that undo others.
    GRANT INSERT, UPDATE ON accounts, step_ups, proposals, switches TO copilot_desk, copilot_web;
    GRANT INSERT ON approvals, refusals TO copilot_desk, copilot_web;
    GRANT INSERT, UPDATE, DELETE ON badges, identities, passwords_due TO copilot_desk, copilot_web;
    GRANT INSERT, UPDATE ON service_tokens TO copilot_desk, copilot_web;
    GRANT UPDATE ON sessions TO copilot_desk;
    -- All three sign people in and remember wrong passwords.
    GRANT INSERT, UPDATE, DELETE ON wrong_passwords TO copilot_chat, copilot_desk, copilot_web;
    -- Web: both of these, the sessions of browsers, what was asked there, and how far webhooks are.
    GRANT INSERT, UPDATE, DELETE ON sessions, feedback TO copilot_web;
    GRANT INSERT, UPDATE ON runs, webhook_positions TO copilot_web;
    GRANT INSERT ON run_events TO copilot_web;
    -- Executor: carries out and records. It files nothing, approves nothing and makes no account.
    GRANT UPDATE ON proposals TO copilot_executor;
    GRANT INSERT, UPDATE ON executions, lease, switches TO copilot_executor;
    GRANT INSERT ON checkpoints, refusals TO copilot_executor;
    -- All put on record what they do.
    GRANT INSERT ON audit TO copilot_chat, copilot_desk, copilot_web, copilot_executor;
    GRANT UPDATE ON audit_head TO copilot_chat, copilot_desk, copilot_web, copilot_executor;
    EXECUTE format(
        'GRANT USAGE ON ALL SEQUENCES IN SCHEMA %I TO copilot_desk, copilot_web', current_schema()
    );
END
$$;

-- The plant database: all but the executor only ever read it.
DO $$
BEGIN
    IF to_regclass('change_receipts') IS NULL THEN
        RETURN;
    END IF;
    GRANT INSERT ON work_orders, purchase_orders, batch_holds, change_receipts TO copilot_executor;
    GRANT UPDATE (reserved) ON parts TO copilot_executor;
END
$$;
