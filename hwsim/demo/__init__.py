"""The demonstration: scenarios played on a rack with a real cluster engine, measured from outside."""
