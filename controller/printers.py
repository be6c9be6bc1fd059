"""Which driver a printer of each make has: the one place that a new make is added to here."""

from collections.abc import Callable, Mapping
from typing import Final

from config.centre import MachineTimeouts
from config.printer_models import PrinterModel
from drivers.printer import CardPrinter, PrinterTimeouts
from drivers.printing import Printer
from drivers.retransfer import RetransferPrinter, RetransferTimeouts
from drivers.wire import Wire

PRINTERS: Final[Mapping[PrinterModel, Callable[[Wire, MachineTimeouts], Printer]]] = {
    PrinterModel.ESCAPE: lambda wire, times: CardPrinter(
        wire, PrinterTimeouts(times.reply_s, times.act_s, times.act_s)
    ),
    PrinterModel.RETRANSFER: lambda wire, times: RetransferPrinter(
        wire, RetransferTimeouts(times.reply_s, times.act_s)
    ),
}
