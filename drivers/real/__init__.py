"""This machine as a Host: serial ports, sockets, cameras. The one place where hardware libraries are imported."""
