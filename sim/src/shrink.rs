//! Makes a failing plan small: fewer operations, fewer faults, the same property broken.

use crate::plan::Plan;
use crate::plan::setup::Rates;

/// A smaller plan for which `fails` still holds. Latencies change with every change of the plan, so each candidate
/// is tried under a few noises.
pub(crate) fn shrink(plan: &Plan, fails: &dyn Fn(&Plan) -> bool) -> Plan {
    let mut best = plan.clone();
    let mut calmer = best.clone();
    calmer.setup.rates = Rates::default();
    keep(&mut best, &calmer, fails);
    let mut chunk = best.ops.len().div_ceil(2);
    while chunk > 0 {
        let mut at = 0;
        while at < best.ops.len() {
            let mut fewer = best.clone();
            fewer.ops.drain(at..(at + chunk).min(best.ops.len()));
            if !keep(&mut best, &fewer, fails) {
                at += chunk;
            }
        }
        chunk /= 2;
    }
    best
}

fn keep(best: &mut Plan, candidate: &Plan, fails: &dyn Fn(&Plan) -> bool) -> bool {
    for turn in 0..4 {
        let mut candidate = candidate.clone();
        candidate.noise = best.noise.wrapping_add(turn);
        if fails(&candidate) {
            *best = candidate;
            return true;
        }
    }
    false
}
