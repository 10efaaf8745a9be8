"""What each channel adds to conversions, measured on the journeys of the warehouse (R86).

``markov`` removes channels from a chain of the journeys, ``shapley`` shares what they bring together, ``bootstrap``
says how sure shares are; ``warehouse`` is what the dbt models call. Plain numbers in, plain numbers out: nothing here
reads a clock or loops over journeys.
"""
