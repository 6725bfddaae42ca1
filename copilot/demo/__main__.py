"""`python -m copilot.demo --home DIR`: the demo plant's server, in a process of its own."""

import argparse
import asyncio
import logging
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from copilot.demo.home import DemoError, bring_up, lock_home
from copilot.demo.live import run_plant
from copilot.demo.site import settle_people
from copilot.demo.story import DAYS
from copilot.parent import end_with_parent


def main() -> int:
    """Serve until told to end; answers the exit code."""
    parser = argparse.ArgumentParser(prog="python -m copilot.demo", description=__doc__)
    parser.add_argument("--home", type=Path, default=Path("demo"), help="its folder")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--listen", default="127.0.0.1", help="address; the plant is for show only")
    parser.add_argument("--seed", type=int, help="seed of the plant; default: that of the folder")
    parser.add_argument(
        "--attached", action="store_true", help="end when standard input closes, as it does with us"
    )
    parser.add_argument(
        "--people",
        action="store_true",
        help="only make the demo's accounts, in the database $COPILOT_DATABASE__OWN",
    )
    options = parser.parse_args()
    if options.people:
        settle_people(os.environ["COPILOT_DATABASE__OWN"])
        return 0
    if options.attached:
        end_with_parent()
    logging.getLogger("asyncua").setLevel(logging.CRITICAL)
    try:
        with lock_home(options.home):
            home = bring_up(options.home, options.seed, datetime.now(UTC), DAYS, None)
            asyncio.run(run_plant(home, options.port, options.listen))
    except DemoError as error:
        print(error, file=sys.stderr)
        return 1
    except (OSError, SQLAlchemyError) as error:
        print(f"the demo plant had to stop: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
