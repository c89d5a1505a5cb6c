"""Who people are: accounts, units, officers, how they sign in, and who may change that.

Everything here is inside the room `base`; other rooms use `base.viewers`, `base.gates` and
`base.approvals` and know nothing of it.
"""
