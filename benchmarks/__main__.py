"""`python -m benchmarks`: every figure as a ratio to a peer in the same run, and a table at the end.

The peers are measured in turns with ours and the medians compared, since machines are shared and noisy. Exits with
1 where a ratio is above its limit.
"""

from __future__ import annotations

import sys

from . import (
    bulk,
    campaigns,
    decoding,
    imports,
    memory,
    once,
    page,
    plugin,
    queues,
    sandbox,
    sending,
    tracking,
    webhooks,
)
from .measure import Result


def main() -> int:
    """Run all, print the table."""
    results: list[Result] = []
    small = (imports, plugin, sending, decoding, webhooks, memory, sandbox, page)
    for module in (*small, bulk, campaigns, once, queues, tracking):
        for result in module.run():
            print(f"… {result.measure}: {result.ratio:.2f}", file=sys.stderr, flush=True)
            results.append(result)
    print(f"\n{'measure':<62} {'against':<46} {'ratio':>6} {'at most':>8}")
    for result in results:
        limit = f"{result.at_most:.2f}" if result.at_most is not None else "-"
        mark = "" if result.holds else "  <-- above"
        print(f"{result.measure:<62} {result.against:<46} {result.ratio:>6.2f} {limit:>8}{mark}")
    return 0 if all(result.holds for result in results) else 1


if __name__ == "__main__":
    raise SystemExit(main())
