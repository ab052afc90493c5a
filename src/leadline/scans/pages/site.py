"""All pages: one line each. To add one: its function in a file of its own, and its line here."""

from leadline.scans.pages.accepted import accepted
from leadline.scans.pages.access import access, unused
from leadline.scans.pages.alerts import alert, alerts
from leadline.scans.pages.behaviour import behaviour, recorded
from leadline.scans.pages.changes import changes
from leadline.scans.pages.controls import control, controls, framework
from leadline.scans.pages.findings import finding, findings
from leadline.scans.pages.health import health
from leadline.scans.pages.images import image, images
from leadline.scans.pages.namespaces import namespace, namespaces
from leadline.scans.pages.network import network
from leadline.scans.pages.overview import overview
from leadline.scans.pages.page import PageKind
from leadline.scans.pages.suggestions import suggestion, suggestions
from leadline.scans.pages.workloads import workload, workloads

PAGES = (
    PageKind("overview", "Overview", overview, in_menu=True),
    PageKind("changes", "Changes", changes, in_menu=True),
    PageKind("findings", "Findings", findings, in_menu=True),
    PageKind("finding", "Finding", finding),
    PageKind("workloads", "Workloads", workloads, in_menu=True),
    PageKind("workload", "Workload", workload),
    PageKind("namespaces", "Namespaces", namespaces, in_menu=True),
    PageKind("namespace", "Namespace", namespace),
    PageKind("images", "Images", images, in_menu=True),
    PageKind("image", "Image", image),
    PageKind("behaviour", "Behaviour", behaviour, in_menu=True),
    PageKind("recorded", "Recorded", recorded),
    PageKind("network", "Network", network, in_menu=True),
    PageKind("suggestions", "Suggestions", suggestions, in_menu=True),
    PageKind("suggestion", "Suggestion", suggestion),
    PageKind("alerts", "Alerts", alerts, in_menu=True),
    PageKind("alert", "Alert", alert),
    PageKind("controls", "Controls", controls, in_menu=True),
    PageKind("control", "Control", control),
    PageKind("framework", "Framework", framework),
    PageKind("access", "Access", access, in_menu=True),
    PageKind("unused", "Never used", unused),
    PageKind("accepted", "Accepted", accepted, in_menu=True),
    PageKind("health", "Health", health, in_menu=True),
)
