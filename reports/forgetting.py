"""What this room forgets when addresses are removed: its figures name mail providers, and can be counted anew."""

from broadcasts.forgetting.also import FIGURES_OF
from reports.models import StoredFigures


def forget_figures(broadcast_id: int) -> None:
    StoredFigures.objects.filter(broadcast=broadcast_id).delete()


def take_part() -> None:
    if forget_figures not in FIGURES_OF:
        FIGURES_OF.append(forget_figures)
