"""Command line of training: python -m training COMMAND."""

from __future__ import annotations

import typer

from training.alerts.command import calibrate_alerts_command
from training.chips_command import chips_command
from training.compare_simulated import compare_simulated_command
from training.evaluate_command import evaluate_command
from training.fit_commands import experiments_command, export_command, fit_command
from training.judging_commands import baselines_command, compare_command, report_command
from training.mine_command import mine_command
from training.predict_command import predict_command
from training.reproduce import reproduce_command
from training.simulated.command import simulate_command
from training.simulated.valley_command import simulate_valleys_command

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)


@app.callback()
def _commands() -> None:
    """Make data sets; train, score, compare and export the networks of the service; calibrate its alerts."""


for _name, _command in (
    ("experiments", experiments_command),
    ("chips", chips_command),
    ("fit", fit_command),
    ("export", export_command),
    ("evaluate", evaluate_command),
    ("compare", compare_command),
    ("report", report_command),
    ("baselines", baselines_command),
    ("mine", mine_command),
    ("reproduce", reproduce_command),
    ("simulate", simulate_command),
    ("simulate-valleys", simulate_valleys_command),
    ("compare-simulated", compare_simulated_command),
    ("predict", predict_command),
    ("calibrate-alerts", calibrate_alerts_command),
):
    app.command(_name)(_command)


if __name__ == "__main__":
    app()
