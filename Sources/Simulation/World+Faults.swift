internal import Peer
internal import Wire

/// When things go wrong, and when that ends.
extension World {
    /// Schedules the first of everything.
    mutating func begin() {
        for site in sites.indices { queue.schedule(.restart(site: site), at: UInt64(random.below(1_000))) }
        for fault in Fault.allCases { scheduleNext(fault) }
        let end = UInt64(options.faultSeconds) * 1_000
        if !options.isHuge {
            for _ in 0..<options.submissions { queue.schedule(.submit, at: 500 + UInt64(random.below(Int(end)))) }
        }
        if options.isLarge { beginLarge(until: end) }
        if options.lateJoiner {
            queue.schedule(.admitJoiner, at: 1_000 + UInt64(random.below(Int(end) / 2)))
        }
        if options.decides {
            for _ in 0..<3 { queue.schedule(.agree, at: end / 10 + UInt64(random.below(Int(end) * 9 / 10))) }
        }
        if options.retention { queue.schedule(.retain, at: 2_000 + UInt64(random.below(3_000))) }
        beginDepartures(until: end)
        beginAbsence(until: end)
        for index in hostiles.indices { queue.schedule(.hostile(index), at: 500 + UInt64(random.below(3_000))) }
        queue.schedule(.inspect, at: 3_000)
        queue.schedule(.healed, at: end)
    }

    private func meanSeconds(_ fault: Fault) -> Int? {
        switch fault {
        case .reset: options.resetEverySeconds
        case .partition: options.partitionEverySeconds
        case .crash: options.crashEverySeconds
        case .pause: options.pauseEverySeconds
        case .fullDisk: options.fillsDisk ? 8 : nil
        case .backup: options.restoresDatabase ? 3 : nil
        }
    }

    private mutating func scheduleNext(_ fault: Fault) {
        guard let mean = meanSeconds(fault) else { return }
        queue.schedule(.fault(fault), at: now + UInt64(mean) * 500 + UInt64(random.below(mean * 1_000)))
    }

    mutating func strike(_ fault: Fault) {
        guard !isHealed else { return }
        scheduleNext(fault)
        trace.record(80, fault.rawValue) { "\(now) fault: \(fault)" }
        let site = random.below(sites.count)
        switch fault {
        case .reset: reset()
        case .partition: partition()
        case .crash:
            // At once, between two effects, or in the middle of a write.
            switch random.below(3) {
            case 0: queue.schedule(.crash(site: site, life: sites[site].life), at: now)
            case 1: sites[site].effectsUntilCrash = random.below(12)
            default: sites[site].crashesInJournal = true
            }
        case .pause: pause(site)
        case .fullDisk: fillDisk(of: site)
        case .backup: sites[site].disk.backUp()
        }
    }

    /// The site gets no processor time for a while; the world goes on.
    private mutating func pause(_ site: Int) {
        guard sites[site].backlog == nil else { return }
        note("pause")
        sites[site].backlog = []
        queue.schedule(.resume(site: site), at: now + 200 + UInt64(random.below(8_000)))
    }

    mutating func resume(_ site: Int) throws(Violation) {
        let backlog = sites[site].backlog ?? []
        sites[site].backlog = nil
        for occurrence in backlog { try carryOut(occurrence) }
    }

    /// The site an occurrence would happen at, if that is starved.
    func starvedSite(of occurrence: Occurrence) -> Int? {
        let site: Int?
        switch occurrence {
        case .wake(let at, _, _), .answer(let at, _, _): site = at
        case .opened(let number, let end), .reset(let number, let end): site = network.site(number, end)
        case .arrival(let number, let from, _): site = network.site(number, 1 - from)
        case .dial, .disk, .fault, .unblock, .resume, .crash, .restart, .submit, .admit, .ask, .rest, .split,
            .admitJoiner,
            .agree, .retain, .depart, .away, .hostile, .inspect, .healed, .poll:
            site = nil
        }
        return site.flatMap { sites[$0].backlog == nil ? nil : $0 }
    }

    /// The next write fails; an operator makes room and starts the site again.
    private mutating func fillDisk(of site: Int) {
        guard sites[site].node != nil else { return }
        sites[site].isDiskFull = true
        queue.schedule(.crash(site: site, life: sites[site].life), at: now + 1_000 + UInt64(random.below(4_000)))
    }

    /// Everything is repaired: no partition, all sites up, no ill will.
    mutating func heal() throws(Violation) {
        isHealed = true
        trace.record(81) { "\(now) healed" }
        for index in hostiles.indices { hostileLeaves(index) }
        for site in sites.indices {
            sites[site].effectsUntilCrash = nil
            sites[site].crashesInJournal = false
            try resume(site)
            if sites[site].isDiskFull { try crash(site) }
        }
        for from in sites.indices {
            for to in sites.indices { try unblock(from, to) }
        }
        for site in sites.indices { try start(site) }
        try admitJoiner()
    }
}
