"""Reports that leave the organisation: names become pseudonyms, which the owner's key file turns back.

``report`` does it to a whole report before any format sees it, so that no format has to.
"""
