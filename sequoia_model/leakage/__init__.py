"""What a network could know of its test patients: who is on both sides of a fold, near-duplicates, sites."""

from sequoia_model.leakage._overlaps import Leak
from sequoia_model.leakage.audits import Audit, audit, audit_splits
from sequoia_model.leakage.sites import SiteSignal, site_signal
from sequoia_model.leakage.slide_means import SlideMeans, read_slide_means

__all__ = [
    "Audit",
    "Leak",
    "SiteSignal",
    "SlideMeans",
    "audit",
    "audit_splits",
    "read_slide_means",
    "site_signal",
]
