"""Settings of the training loop."""

from __future__ import annotations

from dataclasses import dataclass

from dalearn_ros.core.settings import field


@dataclass(frozen=True)
class LoopSettings:
    """How long and how fast to learn."""

    steps: int = field(3000, "Steps of the schedule.", minimum=1, maximum=100_000_000)
    max_minutes: float | None = field(
        None,
        "Time limit; the learning rate then follows whichever of steps and time is ahead.",
        unit="min",
        minimum=0.01,
        maximum=100_000.0,
    )
    learning_rate: float = field(0.002, "Largest learning rate (AdamW).", minimum=1e-7, maximum=1.0)
    final_rate: float = field(
        0.01, "Last learning rate as a share of it.", minimum=0.0, maximum=1.0
    )
    warmup_steps: int = field(
        100, "Steps from zero to the largest rate.", minimum=0, maximum=1_000_000
    )
    weight_decay: float = field(
        0.02, "Weight decay of matrices and kernels.", minimum=0.0, maximum=1.0
    )
    gradient_clip: float = field(5.0, "Largest norm of the gradient.", minimum=1e-3, maximum=1e6)
    average_decay: float = field(
        0.998, "Decay of the running average of the weights.", minimum=0.0, maximum=0.99999
    )
    average_ramp: bool = field(
        True,
        "The average forgets the first weights quickly, because they are random; false where they "
        "have learnt already.",
    )
    accumulate: int = field(
        1,
        "Parts of a batch that pass the network one after another: less memory for the same step.",
        minimum=1,
        maximum=4096,
    )
    mixed_precision: bool = field(True, "Compute with 16 bits on a GPU.")
    mixed_precision_cpu: bool = field(
        False,
        "Compute with 16 bits on a CPU, too, if it has instructions for bfloat16 (AVX512-BF16 or "
        "AMX); others always compute with 32.",
    )
    log_every: int = field(20, "Steps between log entries.", minimum=1, maximum=1_000_000)
    checkpoint_every: int = field(200, "Steps between checkpoints.", minimum=1, maximum=1_000_000)
    validate_every: int = field(
        1000, "Steps between validations; 0: only at the end.", minimum=0, maximum=1_000_000
    )
    window: int = field(
        200, "Steps of a window of the convergence test.", minimum=1, maximum=1_000_000
    )
    patience: int = field(
        0, "Windows without progress until training stops; 0: never.", minimum=0, maximum=100_000
    )
    tolerance: float = field(
        0.002, "Share by which a window must improve.", minimum=0.0, maximum=1.0
    )
