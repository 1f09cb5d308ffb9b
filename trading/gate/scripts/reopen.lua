-- Opens the gate in a new epoch on the present store when there is no market to load.  ARGV: epoch, run id of that store
if ARGV[2] ~= run_id() then
  return 0
end
redis.call('HSET', 'gate', 'state', 'open', 'run_id', ARGV[2], 'epoch', ARGV[1])
return 1
