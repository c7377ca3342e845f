"""What the centre does by itself when an incident is raised, and how long people may take."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from config.base import Section


class ResponseSettings(Section):
    """Policy of a deployment."""

    policy: Literal["judged", "automatic", "operator_first"] = Field(
        default="judged",
        title="Policy",
        description="`judged`: receivers are notified at once; dispatched by itself when two cameras agree "
        "or the probability reaches auto_dispatch_min, else the operator is asked. `automatic`: dispatched "
        "at once. `operator_first`: nobody outside hears of it before an operator, or the deadline, says so.",
    )
    auto_dispatch_min: float = Field(
        default=0.9,
        ge=0.5,
        le=1,
        title="Probability for automatic dispatch",
        description="Probability (0..1) from which one camera is enough under the policy `judged`.",
    )
    auto_dispatch_after_days: int = Field(
        default=14,
        ge=0,
        le=365,
        title="Days of verdicts before that",
        description="On so many days people must have judged what this model raises, before its probability "
        "is trusted with a dispatch.",
    )
    learning_h: float = Field(
        default=24,
        ge=0,
        le=720,
        title="Hours of learning",
        description="So long a camera that is added in the console learns first: what it sees is shown to "
        "supervisors and told to nobody.",
    )
    acknowledge_s: float = Field(
        default=60,
        ge=5,
        le=3600,
        title="Acknowledge within",
        description="Seconds the operator has to take a new incident in hand.",
    )
    judge_s: float = Field(
        default=300,
        ge=10,
        le=7200,
        title="Judge within",
        description="Seconds from acknowledging to a verdict, and from confirming to dispatching.",
    )
    after_deadline: Literal["escalate", "dispatch"] = Field(
        default="escalate",
        title="After the deadline",
        description="`escalate`: the grid chain is called to look; `dispatch`: it is dispatched as well.",
    )
    grid_s: float = Field(
        default=120,
        ge=10,
        le=7200,
        title="Grid",
        description="Seconds the grid's staff have to accept before the village is called.",
    )
    village_s: float = Field(
        default=180,
        ge=10,
        le=7200,
        title="Village",
        description="Seconds the village has before the town is called.",
    )
    town_s: float = Field(
        default=300,
        ge=10,
        le=7200,
        title="Town",
        description="Seconds the town has before the district is called.",
    )
    burn_margin_m: float = Field(
        default=100,
        ge=0,
        le=2000,
        title="Margin of permitted burns",
        description="Metres outside a permitted burn's area that still count as inside.",
    )
