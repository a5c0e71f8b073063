"""Entry point of `python -m appliance.cli`: the `asha` command of this very interpreter and package."""

from appliance.cli.main import main

main()
