"""Experts as users have them: names, models, networks, functions."""

import hashlib
import json
import sys
import warnings
from pathlib import Path

import numpy

from kanrl import _kanrl
from kanrl._errors import InputError


def as_json(arguments):
    """An environment's keyword arguments for the Rust side."""
    return json.dumps(arguments)


def section(expert, scores, env, arguments, out):
    """The expert's section of a run's config; a text for what the command line can name."""
    if scores is None and isinstance(expert, (str, Path)):
        return str(expert)
    if scores is None and _is_sb3(expert):
        path = _saved(expert, env, out)
        if path is not None:
            return path
    return live(expert, scores, env, arguments)[1]


def live(expert, scores, env, arguments, kept=True):
    """A policy of what lives in this program, and its section in a config; runs find it where it is `kept`."""
    act, scores = _functions(expert, scores)
    probe, action_size, score_size = _kanrl.probe(env, as_json(arguments))
    name = _name(expert if expert is not None else scores)
    if scores is not None:
        scores = _batched(scores, probe, score_size, name)
    act = _batched(act, probe, action_size, name) if act is not None else None
    if act is None:
        # The scores of a vector action are the vector itself, which is clipped later.
        act = (lambda observations: scores(observations).argmax(axis=-1)) if action_size == 1 < score_size else scores
    policy, text = _kanrl.python_policy(name, act, scores, env, as_json(arguments), kept)
    return policy, json.loads(text)


def _name(expert):
    """What the program calls it."""
    name = getattr(expert, "__qualname__", None) or type(expert).__qualname__
    module = getattr(expert, "__module__", None) or type(expert).__module__
    return name if module in (None, "__main__") else f"{module}.{name}"


def _functions(expert, scores):
    """The functions that give actions and scores; one of them may be None."""
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(expert, torch.nn.Module) and not hasattr(expert, "predict"):
        if scores is not None:
            raise InputError("a torch.nn.Module gives the scores itself", "leave out scores=")
        return None, _of_module(expert, torch)
    if isinstance(expert, _kanrl.Policy):
        own = expert.scores if expert.score_kind is not None else None
        return (lambda observations: expert.predict(observations)[0]), (scores or own)
    if hasattr(expert, "predict"):
        return (lambda observations: _memoryless(expert.predict(observations, deterministic=True))), scores
    if expert is not None and not callable(expert):
        raise InputError(
            f"a {type(expert).__name__} is not an expert",
            "give a name as the command line takes it, a model with `predict`, a torch.nn.Module or a function",
        )
    return expert, scores


def _memoryless(answer):
    """A model's actions; one that remembers is more than a function of the observation."""
    if isinstance(answer, tuple) and len(answer) > 1 and answer[1] is not None:
        raise InputError("it remembers earlier steps", "an expert is a function of the observation alone")
    return answer


def _of_module(module, torch):
    """A network's outputs for a batch."""

    def outputs(observations):
        training = module.training
        module.eval()
        try:
            with torch.no_grad():
                parameter = next(module.parameters(), None)
                device = None if parameter is None else parameter.device
                return module(torch.as_tensor(observations, dtype=torch.float32, device=device)).cpu().numpy()
        finally:
            module.train(training)

    return outputs


def _batched(function, probe, size, name):
    """The function over batches, whether it takes one observation or many; `size` numbers are an answer."""

    def whole(observations):
        answer = function(observations)
        # Stable-Baselines3's `predict` gives a state as well.
        return numpy.asarray(answer[0] if isinstance(answer, tuple) else answer).reshape(len(observations), -1)

    def alone(observations):
        answers = [function(observation) for observation in observations]
        answers = [answer[0] if isinstance(answer, tuple) else answer for answer in answers]
        return numpy.stack([numpy.asarray(answer).reshape(-1) for answer in answers])

    found = {}
    reason, cause = "it gives no answer", None
    for variant in (whole, alone):
        try:
            answer = variant(probe)
            if answer.shape == (len(probe), size):
                found[variant] = answer
            else:
                reason = f"it answers with the shape {answer.shape} to {len(probe)} observations, expected {(len(probe), size)}"
        except Exception as error:
            reason, cause = f"{type(error).__name__}: {error}", error
    if not found:
        raise InputError(f"{name} cannot be asked about observations: {reason}") from cause
    chosen = whole if whole in found else alone
    if len(found) == 2 and not numpy.allclose(found[whole], found[alone], rtol=1e-3, atol=1e-5, equal_nan=True):
        # A function of one observation may answer to many, and wrongly.
        chosen = alone
    again = chosen(probe)
    if not numpy.array_equal(again, found[chosen], equal_nan=again.dtype.kind == "f"):
        raise InputError(
            f"{name} answers differently when it is asked again",
            "an expert is deterministic: for Stable-Baselines3, model.predict(…, deterministic=True)",
        )
    return chosen


def _is_sb3(expert):
    return all(hasattr(expert, name) for name in ("policy", "save", "predict", "get_vec_normalize_env"))


def _saved(model, env, out):
    """The path under which a Stable-Baselines3 model was saved; None for one that kanrl's reader refuses."""
    digest = hashlib.sha256(type(model).__name__.encode())
    for name, value in sorted(model.policy.state_dict().items()):
        digest.update(name.encode())
        digest.update(numpy.ascontiguousarray(value.cpu().numpy()).tobytes())
    normalization = model.get_vec_normalize_env()
    if normalization is not None and normalization.norm_obs:
        digest.update(normalization.obs_rms.mean.tobytes() + normalization.obs_rms.var.tobytes())
    name = f"{type(model).__name__.lower()}-{digest.hexdigest()[:12]}"
    # Beside the run directory, which holds only what a run writes.
    folder = (Path(out).parent if out is not None else Path("runs")) / "experts" / name
    path = folder / "model.zip"
    folder.mkdir(parents=True, exist_ok=True)
    model.save(path)
    if normalization is not None:
        normalization.save(str(folder / "vec_normalize.pkl"))
    try:
        _kanrl.policy(str(path), env)
    except InputError as error:
        warnings.warn(f"the model is asked through Python, since its archive cannot be read: {error}", stacklevel=4)
        return None
    return str(path)
