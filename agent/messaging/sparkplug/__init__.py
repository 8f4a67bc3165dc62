"""The agent as an edge node of Eclipse Sparkplug B 3.0: see the README.md beside this file."""
