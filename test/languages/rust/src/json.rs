//! Events as JSON, with the names that JavaScript has.

use std::fmt::Write;

use kindly_guard_ipc::{Lost, Severity, Threat, ThreatType};

pub fn text(text: &str) -> String {
    let mut json = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => json.extend(['\\', c]),
            c if c < ' ' => {
                let _ = write!(json, "\\u{:04x}", c as u32);
            }
            c => json.push(c),
        }
    }
    json.push('"');
    json
}

pub fn number(number: Option<u64>) -> String {
    number.map_or("null".into(), |one| one.to_string())
}

pub fn threat(threat: &Threat) -> String {
    let mut fields = vec![
        format!("\"sequence\":{}", threat.sequence),
        format!("\"id\":{}", text(&threat.id())),
        format!("\"timestampUs\":{}", threat.timestamp_us),
        format!("\"threatType\":{}", text(threat.threat_type.name())),
        format!("\"severity\":{}", text(threat.severity.name())),
        format!("\"source\":{}", text(&threat.source)),
        format!("\"details\":{}", text(&threat.details)),
        format!("\"blocked\":{}", threat.blocked),
    ];
    if let ThreatType::Other(code) = threat.threat_type {
        fields.push(format!("\"threatTypeCode\":{code}"));
    }
    if let Severity::Other(code) = threat.severity {
        fields.push(format!("\"severityCode\":{code}"));
    }
    if let Some(context) = &threat.context {
        fields.push(format!("\"context\":{context}"));
    }
    if threat.cut {
        fields.push("\"cut\":true".into());
    }
    format!("{{\"threat\":{{{}}}}}", fields.join(","))
}

pub fn lost(lost: &Lost) -> String {
    let range = lost.range;
    let fields = [
        format!("\"count\":{}", number(range.map(|one| one.count))),
        format!("\"from\":{}", number(range.map(|one| one.from))),
        format!("\"to\":{}", number(range.map(|one| one.to))),
        format!("\"priority\":{}", number(range.and_then(|one| one.priority))),
        format!("\"generation\":\"{:016x}\"", lost.generation),
        format!("\"reason\":{}", text(lost.reason.name())),
    ];
    format!("{{\"lost\":{{{}}}}}", fields.join(","))
}
