"""Nothing acknowledged is lost: the real product under kill -9 and cut networks, and the account of every number given.

fleet.py     a process of real device clients that report without pause and keep a ledger
network.py   namespaces whose link to the broker can be cut
storm.py     kills parts of the product in the order a seed gives
account.py   what was produced against what is stored or told as a gap
"""
