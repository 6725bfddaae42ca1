"""The demo plant: physics, faults, an OPC UA server, ERP rows, camera pictures and manuals."""
