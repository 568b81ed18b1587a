# Measurements beside other tools; run by hand, never by "make check".
