"""Other people's methods and other programs' results behind our interfaces."""
