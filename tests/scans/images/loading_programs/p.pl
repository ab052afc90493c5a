use JSON; 
for my $n (@ARGV) { eval "require $n; 1" or die $@; }
my @f=values %INC; open my $m,'<','/proc/self/maps'; while(<$m>){ my @c=split; push @f,$c[5] if $c[5] && $c[5]=~m{^/} && $c[1]=~/x/; }
print encode_json(\@f);
