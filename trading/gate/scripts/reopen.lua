-- Opens the gate in a new epoch on the present store when there is no market to load.  ARGV: epoch
redis.call('HSET', 'gate', 'state', 'open', 'run_id', run_id(), 'epoch', ARGV[1])
return 1
