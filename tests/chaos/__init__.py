"""Nothing acknowledged is lost: the real product under kill -9, and the account of every number its devices gave.

fleet.py     a process of real device clients that report without pause and keep a ledger
storm.py     kills parts of the product in the order a seed gives
account.py   what was produced against what is stored or told as a gap
"""
