"""What the pages of this room remember; all of it could be made again from the others' tables."""

from reports.models.figures import BroadcastFigures, CountingRound, StoredFigures
from reports.models.log import KEPT_FOR, ExportFile, ExportPiece, LogView

__all__ = ["KEPT_FOR", "BroadcastFigures", "CountingRound", "ExportFile", "ExportPiece", "LogView", "StoredFigures"]
