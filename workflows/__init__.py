"""Python that writes definitions/*.asl.json, on the Step Functions SDK. ``python -m workflows`` writes them."""
