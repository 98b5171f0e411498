"""What an adapter of somebody else's may use, with the shapes of `models.api`. All else may change.

A module of its own: processes that must be light import their neighbours here, and none of torch.
"""

from suite.contract.adapter import Adapter, AdapterSession
from suite.contract.case import Setup
from suite.contract.compiling import CompilingSubject, LedgerSubject
from suite.contract.decorating import DecoratingSubject, LoadingSubject
from suite.contract.engine import EngineSubject
from suite.contract.keeping import Bound, KeepingSubject
from suite.contract.replacement import Replacement, ReplacingSubject
from suite.contract.scripting import ScriptedRanks, ScriptedSubject, ScriptPart
from suite.contract.sharding import RankProcessSubject, ShardingSubject
from suite.contract.startup import RealStartSubject, StartupSubject
from suite.contract.subject import (
    AdapterBroken,
    Bounds,
    Capabilities,
    Counts,
    DeviceFacts,
    Disturbance,
    Launch,
    Refused,
    Session,
    Subject,
    Where,
)

__all__ = [
    "Adapter",
    "AdapterBroken",
    "AdapterSession",
    "Bound",
    "Bounds",
    "Capabilities",
    "CompilingSubject",
    "Counts",
    "DecoratingSubject",
    "DeviceFacts",
    "Disturbance",
    "EngineSubject",
    "KeepingSubject",
    "Launch",
    "LedgerSubject",
    "LoadingSubject",
    "RankProcessSubject",
    "RealStartSubject",
    "Refused",
    "Replacement",
    "ReplacingSubject",
    "ScriptPart",
    "ScriptedRanks",
    "ScriptedSubject",
    "Session",
    "Setup",
    "ShardingSubject",
    "StartupSubject",
    "Subject",
    "Where",
]
