-- The two roles of the write path on PostgreSQL: what the chat may do, and what the executor may do.
--
-- Run it as the owner of the tables, in the copilot's own database and in the plant database, after
-- the tables have been made (`copilot` brings its own ones up to date at every start, and needs the
-- owner for that only when there is something new). It may be run again at any time; each run takes
-- away every earlier right of both roles on the tables of the schema in front of the search path.
--
--     psql -d copilot -f postgres-roles.sql
--     psql -d plant   -f postgres-roles.sql
--
-- The roles have no password yet: `\password copilot_chat`, `\password copilot_executor`, or whatever
-- pg_hba.conf asks for. Neither may own a table: owners can lift every restriction. What PUBLIC may do
-- they may do too: before PostgreSQL 15 that is to make tables, unless you
-- REVOKE CREATE ON SCHEMA public FROM PUBLIC.

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'copilot_chat') THEN
        CREATE ROLE copilot_chat LOGIN NOINHERIT;
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
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA %s TO copilot_chat, copilot_executor', here);
    EXECUTE format(
        'REVOKE ALL ON ALL TABLES IN SCHEMA %s FROM copilot_chat, copilot_executor', here
    );
    EXECUTE format(
        'REVOKE ALL ON ALL SEQUENCES IN SCHEMA %s FROM copilot_chat, copilot_executor', here
    );
    EXECUTE format('REVOKE CREATE ON SCHEMA %s FROM copilot_chat, copilot_executor', here);
    -- Both may read everything; what they may change follows.
    EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA %s TO copilot_chat, copilot_executor', here);
END
$$;

-- The copilot's own database.
DO $$
BEGIN
    IF to_regclass('audit_head') IS NULL THEN
        RETURN;
    END IF;
    -- Chat: conversations, accounts, proposals and decisions. No executions, lease or checkpoints.
    GRANT INSERT, UPDATE, DELETE ON conversations, turns TO copilot_chat;
    GRANT INSERT, UPDATE ON accounts, step_ups, proposals, switches TO copilot_chat;
    GRANT INSERT ON approvals, audit TO copilot_chat;
    GRANT UPDATE ON audit_head TO copilot_chat;
    -- Executor: carries out and records. It files nothing, approves nothing and makes no account.
    GRANT UPDATE ON proposals TO copilot_executor;
    GRANT INSERT, UPDATE ON executions, lease, switches TO copilot_executor;
    GRANT INSERT ON audit, checkpoints TO copilot_executor;
    GRANT UPDATE ON audit_head TO copilot_executor;
    EXECUTE format(
        'GRANT USAGE ON ALL SEQUENCES IN SCHEMA %I TO copilot_chat', current_schema()
    );
END
$$;

-- The plant database: the chat only ever reads it.
DO $$
BEGIN
    IF to_regclass('change_receipts') IS NULL THEN
        RETURN;
    END IF;
    GRANT INSERT ON work_orders, purchase_orders, batch_holds, change_receipts TO copilot_executor;
    GRANT UPDATE (reserved) ON parts TO copilot_executor;
END
$$;
