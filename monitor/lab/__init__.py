"""The lab page (`scarpwatch lab`): one file or stored tile at a time through the models at hand, for people to look at.

It decides nothing and writes nothing: what it shows is gone with the page. Needs the extra `lab`.
"""
