"""Open311 GeoReport v2: the public interface for reports, XML and JSON.

Source: GeoReport v2, http://wiki.open311.org/GeoReport_v2 (frozen).
"""
