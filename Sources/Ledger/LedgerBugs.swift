#if DEBUG
    /// A mistake that a test switches on for what runs inside of it. A release build has neither this nor the place
    /// that looks at it.
    package enum LedgerBugs {
        /// Wallets go into the digest as the dictionary has them.
        @TaskLocal package static var digestsUnsorted = false
    }
#endif
