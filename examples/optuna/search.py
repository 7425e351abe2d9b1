"""Optuna chooses what to try: `python search.py 20`, on any number of machines that see the same folder."""

import sys

import kanrl
import optuna
from optuna.storages.journal import JournalFileBackend

storage = optuna.storages.JournalStorage(JournalFileBackend("study.journal"))
directions = ["maximize", "minimize"]  # return, operations
study = optuna.create_study(study_name="cartpole", storage=storage, directions=directions, load_if_exists=True)
for _ in range(int(sys.argv[1])):
    trial = study.ask()
    config = {
        "students.widths": [[trial.suggest_int("width", 1, 6)]],
        "approximator.lambda_l1": trial.suggest_float("lambda_l1", 0.1, 10, log=True),
    }
    try:
        run = kanrl.extract("CartPole-v1", config=config, out=f"runs/trial-{trial.number}", progress=False)
        study.tell(trial, [run.metrics["returns"]["headline"]["mean"], run.formula.operations])
    except kanrl.RunError:
        study.tell(trial, state=optuna.trial.TrialState.FAIL)
