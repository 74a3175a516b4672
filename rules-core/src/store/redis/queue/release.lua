-- Ends holds on what ARGV names, from ARGV[2] on.
for at = 2, #ARGV do
  release(ARGV[at])
end
save()
