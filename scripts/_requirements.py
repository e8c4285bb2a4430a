"""Print what Home Assistant would install at its first start."""
print("")
