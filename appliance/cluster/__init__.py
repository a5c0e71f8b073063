"""The cluster engine, which decides who is active. `engine` is what the agent needs of any; one folder for each."""
