//! The schema of contracts that stands in the docs.

use kanrl_export::Contract;

#[test]
fn the_schema_in_the_docs_is_the_contract_s() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/policy.contract.schema.json");
    let schema = serde_json::to_string_pretty(&Contract::schema()).expect("JSON") + "\n";
    if std::env::var_os("KANRL_WRITE_SCHEMA").is_some() {
        std::fs::write(&path, &schema).expect("written");
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default().replace("\r\n", "\n");
    assert!(found == schema, "{} is out of date: run this test with KANRL_WRITE_SCHEMA=1", path.display());
    for field in ["format_version", "observations", "action", "folded_in", "measured", "proof", "formula", "digests"] {
        assert!(schema.contains(&format!("\"{field}\"")), "{field}");
    }
}
