"""What schemathesis does not know by itself: JSON Lines are sent as they were made."""
import schemathesis


@schemathesis.serializer("application/jsonl")
def lines(context, value):
    return value if isinstance(value, bytes) else str(value).encode()
