"""`copilot backup` and `copilot restore`."""

from pathlib import Path

from rich.console import Console

from copilot.backup.backup import back_up
from copilot.backup.restore import bring_configuration, restore
from copilot.backup.secrets import LEFT_OUT
from copilot.cli.executor import login
from copilot.demo.progress import shown_progress
from copilot.plant import utc_now
from copilot.settings import config_file, load_settings

AFTER = """\
Everybody is signed out. Accounts that were disabled, passwords that were changed and tokens that
were revoked since then are as they were: look at `copilot user show`. The executor carries nothing
out before `copilot executor accept-restore` (docs/executor.md)."""


def run_backup(folder: Path, config: Path | None) -> int:
    """Make a backup and print where it is; exit code 0. Raises Failed, Unavailable."""
    settings = load_settings(config)
    with shown_progress() as step:
        made = back_up(settings, config_file(), folder, utc_now(), step)
    print(made)
    return 0


def run_restore(file: Path, config: Path | None, replace: bool) -> int:
    """Put a backup back and say what was done; exit code 0. Raises Failed, Unavailable."""
    path = config or config_file()
    if not path.is_file() and bring_configuration(file, path):
        print(f"{path} is the backup's.")
        if LEFT_OUT in path.read_text(encoding="utf-8"):
            print(f"Fill in its secrets ({LEFT_OUT}), then restore again.")
            return 1
    settings = load_settings(config)
    with shown_progress() as step:
        done = restore(file, settings, config_file(), utc_now(), step, by=login(), replace=replace)
    console = Console(highlight=False)
    console.print(f"The backup of {done.made} is restored:", markup=False)
    for line in done.says:
        console.print(f"  {line}", markup=False, soft_wrap=True)
    console.print(AFTER, markup=False)
    return 0
