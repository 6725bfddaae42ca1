"""Every tool there is: those the planner chooses, as its prompt shows them, and one it does not.

The planner's adapter was trained on the cards of CATALOGUE. What came later is chosen by written
rules (`copilot/ruled_planner.py`), or by a program that asks for it by name.
"""

from copilot_tools.alarms import list_alarms
from copilot_tools.anomaly import detect_anomalies
from copilot_tools.assets import find_assets
from copilot_tools.history import read_trend
from copilot_tools.maintenance import list_work_orders
from copilot_tools.manuals import search_manuals
from copilot_tools.oee import get_oee
from copilot_tools.orders import list_orders
from copilot_tools.parts import find_parts
from copilot_tools.proposals_erp import (
    create_work_order,
    hold_batch,
    request_purchase,
    reserve_part,
)
from copilot_tools.proposals_plant import acknowledge_alarm, send_command, write_setpoint
from copilot_tools.quality import get_inspections
from copilot_tools.root_cause import find_root_cause
from copilot_tools.rul import predict_rul
from copilot_tools.talk import reply
from copilot_tools.telemetry import read_signals
from copilot_tools.tool import Registry
from copilot_tools.track_record import score_predictions

CATALOGUE = Registry(
    (
        find_assets,
        read_signals,
        read_trend,
        list_alarms,
        detect_anomalies,
        predict_rul,
        find_root_cause,
        get_inspections,
        search_manuals,
        find_parts,
        list_work_orders,
        list_orders,
        get_oee,
        write_setpoint,
        send_command,
        create_work_order,
        reserve_part,
        request_purchase,
        hold_batch,
        acknowledge_alarm,
        reply,
    )
)

ALL_TOOLS = Registry((*CATALOGUE, score_predictions))
