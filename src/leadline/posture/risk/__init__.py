"""Which workloads have most at stake: from findings and joins to ranks.

Others enter by ``ranking``; ``entries`` says how an attacker reaches a workload, ``token_reach`` what its token opens,
``tracks`` which known ways of attack are open from end to end.
"""
