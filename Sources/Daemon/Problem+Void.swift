internal import API
internal import Peer

extension Problem {
    /// An op of this site's own that has no effect: it is signed and stays in the log, and every node judges it the same.
    ///
    /// The codes are those of `StateFold`, `Ledger` and `ConsensusTable`.
    static func void(_ reason: VoidReason) -> Problem {
        let remedy =
            switch reason.code {
            case "not-account-log":
                "wait until a quorum of the voting sites has named this site's present log, which a running node asks for "
                    + "by itself (`shoal consensus`), then ask again"
            case "has-left": "a site that has left joins anew, under another key, with a ticket: shoal invite"
            case "forked":
                "this site's log forks: its key is used elsewhere too, or it was put back. `shoal doctor` tells what to do"
            case "not-owner": "ask the site that owns it (`shoal model info`)"
            case "unknown-model": "see `shoal status` for the models there are"
            case "unsupported-kind":
                "the network's rules are older than this shoal: let a quorum say yes to later ones (`shoal consensus policy`)"
            case "forged-proof", "invalid-body", "wrong-time":
                "nothing has changed; run the same version of shoal at all sites, and report this if they do"
            default: "nothing has changed; see what the network holds now (`shoal status`, `shoal koi`), then ask again"
            }
        return .conflict(reason.detail, remedy: remedy, code: reason.code)
    }
}
