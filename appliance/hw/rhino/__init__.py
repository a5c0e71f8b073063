"""The Rhino SPF: the vendor's tool, the serial wire and its profiles, and learning a profile from the tool."""
