//! Pieces of SQL that judge printers: one text for the list of printers and for the first page, so that both
//! count the same ones.
//!
//! Deliberately absent: whole statements, which their stores have.

/// Printers with their customers, their latest state and the agent that read it.
macro_rules! from_printer {
    () => {
        " from printer
          join customer on customer.reseller_id = printer.reseller_id
              and customer.customer_id = printer.customer_id
          left join printer_state on printer_state.reseller_id = printer.reseller_id
              and printer_state.printer_id = printer.printer_id
          left join agent on agent.reseller_id = printer.reseller_id and agent.agent_id = printer_state.agent_id
          left join agent_beat on agent_beat.reseller_id = printer.reseller_id
              and agent_beat.agent_id = printer_state.agent_id "
    };
}
pub(crate) use from_printer;

/// Whether nothing was heard of a printer since `$since`, nor within two intervals of its agent before `$now`:
/// what `Lateness` calls silent. Both are numbers of parameters, such as `"$4"`.
macro_rules! is_silent {
    ($since:literal, $now:literal) => {
        concat!(
            "(printer_state.read_at is null
                or ((printer_state.read_at < ",
            $since,
            " or printer_state.received_at < ",
            $since,
            ") and (printer_state.read_at < ",
            $now,
            " - 120000 * (",
            $crate::agents::interval!(),
            ") or printer_state.received_at < ",
            $now,
            " - 120000 * (",
            $crate::agents::interval!(),
            "))))"
        )
    };
}
pub(crate) use is_silent;

/// Whether a printer is in no contract at `$now`, the number of a parameter.
macro_rules! is_unassigned {
    ($now:literal) => {
        concat!(
            "not exists (select 1 from contract_printer where contract_printer.reseller_id = printer.reseller_id
             and contract_printer.printer_id = printer.printer_id and contract_printer.from_at <= ",
            $now,
            " and (contract_printer.to_at is null or contract_printer.to_at > ",
            $now,
            "))"
        )
    };
}
pub(crate) use is_unassigned;
