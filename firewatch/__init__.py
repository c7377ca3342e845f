"""The firewatch command and the supervision of its processes: the only place that imports everything."""
