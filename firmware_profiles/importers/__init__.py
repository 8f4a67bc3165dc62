"""Other people's descriptions of lights as profiles: Open Fixture Library JSON and GDTF."""
