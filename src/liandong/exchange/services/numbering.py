"""Numbers of papers, by year, without gaps: taken in the transaction that writes the paper."""

from liandong.exchange.models import NumberSeries


def take_number(kind: str, year: int) -> str:
    """The next number, `LY-2026-0001`; given back by itself when the transaction is undone."""
    NumberSeries.objects.get_or_create(kind=kind, year=year)
    series = NumberSeries.objects.select_for_update().get(kind=kind, year=year)
    series.last += 1
    series.save(update_fields=["last"])
    return f"{kind}-{year}-{series.last:04d}"
