"""The command `python -m hwsim.nodes.cleanup`: remove what every dead rack on this machine left."""

from __future__ import annotations

from hwsim.nodes.remains import leftovers, remove

__all__ = ["leftovers", "main", "remove"]


def main() -> None:
    """Remove every dead rack's leftovers and name them."""
    for prefix in leftovers():
        remove(prefix)
        print(f"removed what rack {prefix} left")


if __name__ == "__main__":
    main()
