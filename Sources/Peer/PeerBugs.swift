#if DEBUG
    /// Mistakes that a test switches on for what runs inside of it. A release build has neither these nor the places
    /// that look at them.
    package enum PeerBugs {
        /// A delta that a peer sent is folded twice.
        @TaskLocal package static var appliesTwice = false
        /// Two ops at one place are no reason to look closer.
        @TaskLocal package static var skipsForkCheck = false
    }
#endif
