"""The plot of the README: how often a true drop makes the gate red. The same bytes for the same figures."""

from pathlib import Path
from typing import Any

LEGEND = {"accuracy": "-", "gate": ":"}


def draw(found: dict[str, Any], file: Path) -> None:
    """Draw the curves of *found*, and what was simulated of them, to the SVG *file*."""
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot as plt
    from matplotlib.lines import Line2D

    mpl.rcParams.update({"svg.hashsalt": "power", "svg.fonttype": "path", "font.size": 11})
    figure, axes = plt.subplots(figsize=(9.2, 5.2), layout="constrained")
    drops = found["drops"]
    handles = []
    for number, (samples, one) in enumerate(found["sizes"].items()):
        colour = plt.get_cmap("viridis")(number / len(found["sizes"]))
        simulated = found["simulated"][samples]
        for kind, style in LEGEND.items():
            axes.plot(drops, [100 * share for share in one[kind]], style, color=colour, linewidth=2)
        at = [drops[place] for place in simulated["places"]]
        shares = [100 * falls / simulated["runs"] for falls in simulated["accuracy"]]
        axes.plot(at, shares, "o", color=colour, markersize=5, markerfacecolor="white")
        handles.append(Line2D([], [], color=colour, linewidth=2, label=f"{int(samples):,} samples"))
    bound = 100 * found["budget"]["metric_drop"]
    axes.axvline(bound, color="grey", linewidth=1)
    axes.annotate("allowed", (bound, 3), xytext=(4, 0), textcoords="offset points", color="dimgrey")
    handles += [
        Line2D([], [], color="black", linewidth=2, label="the accuracy's check, computed"),
        Line2D([], [], color="black", marker="o", markerfacecolor="white", linestyle="", label="the same, simulated"),
        Line2D([], [], color="black", linestyle=":", linewidth=2, label="that or changed predictions"),
    ]
    axes.set_xlabel("true drop of accuracy, percentage points")
    axes.set_ylabel("runs that are red, %")
    figure.suptitle("How often a drop makes the gate red, by the number of samples")
    axes.set_xlim(0, drops[-1])
    axes.set_ylim(-2, 102)
    axes.grid(visible=True, color="lightgrey", linewidth=0.6)
    axes.legend(handles=handles, loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)
    figure.savefig(file, metadata={"Date": None, "Creator": None})
    plt.close(figure)
