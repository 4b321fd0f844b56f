//! The library as its users meet it: through the C functions, through the example in C, and through the
//! conformance suite, which the desk that the collector and the direct agent share passes unchanged as well.

mod agents;
mod api;
mod c;
mod conformance;
mod example;
mod network;

use conformance::{AgentUnderTest, Bench, World};

/// One case against one agent.
fn run(case: fn(&mut Bench), make: fn(&World) -> Box<dyn AgentUnderTest>) {
    case(&mut Bench::new(make));
}

/// Each case of the suite against each agent; those behind the semicolon against the library alone.
macro_rules! conform {
    ($($case:ident,)*; $($own:ident,)*) => {
        mod desk {
            $(#[test] fn $case() { crate::run(crate::conformance::$case, crate::agents::desk); })*
        }
        mod c_library {
            $(#[test] fn $case() { crate::run(crate::conformance::$case, crate::agents::c_library); })*
            $(#[test] fn $own() { crate::run(crate::conformance::$own, crate::agents::c_library); })*
        }
    };
}

conform! {
    every_record_arrives_once_and_in_order,
    lost_answers_double_nothing,
    lost_requests_lose_nothing,
    what_proves_nothing_releases_nothing,
    an_answer_to_another_request_releases_nothing,
    a_restored_portal_gets_again_what_it_lacks,
    a_refusal_is_believed_and_loses_nothing,
    only_the_portal_can_say_that_it_has_the_keys_no_more,
    both_sides_follow_the_epochs,
    another_evidence_key_is_introduced_by_the_one_before,
    an_alert_goes_at_once_and_once,
    a_power_cut_loses_and_doubles_nothing,
    a_clock_that_is_set_back_loses_nothing,
    each_package_names_the_last_receipt,
    ;
    // A desk is given what was filtered before; the library filters itself.
    no_personal_text_arrives_by_default,
}
